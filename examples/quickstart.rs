//! Reads one secret with what the environment says: keys, region, and perhaps an emulator's endpoint.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use simsim::Client;

#[tokio::main]
async fn main() -> simsim::Result<()> {
    let name = std::env::args().nth(1).unwrap_or_else(|| String::from("example/greeting"));
    let client = Client::from_env()?;
    let secret = client.get_secret(&name).await?;
    // A program would now use secret.text()?, .bytes() or .json::<T>()?; a log gets this much:
    write_line(&format!("{secret}: {} bytes, version {}", secret.bytes().len(), secret.version_id()))
}

fn write_line(line: &str) -> simsim::Result<()> {
    use std::io::Write as _;
    // Nobody is left to be told when this fails.
    let _ = writeln!(std::io::stdout(), "{line}");
    Ok(())
}
