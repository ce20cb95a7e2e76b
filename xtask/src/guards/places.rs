//! No tracked file names a package registry's host or a path of one person's machine.
// SPDX-License-Identifier: Apache-2.0 OR MIT

/// First labels of hosts that serve packages: any registry or mirror must do, so none is named.
const REGISTRY_LABELS: &[&str] =
    &["registry", "index", "static", "mirror", "mirrors", "packages", "proxy", "deb", "files"];
/// Where machines keep homes and build folders.
const MACHINE_FOLDERS: &[&str] = &["root", "home", "Users", "work", "builds"];
/// Examples that documentation and tests may use.
const EXAMPLES: &[&str] = &["/home/someone", "/home/user", "/home/app", "/root/.alibabacloud", "/home/node"];

/// What is wrong in one file's text.
pub(super) fn check(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let place = format!("{path}:{}", number + 1);
        if path.ends_with("package-lock.json") && line.contains("\"resolved\":") && line.contains("://") {
            found.push(format!(
                "{place}: a download address; omit-lockfile-registry-resolved=true leaves it out"
            ));
        }
        found.extend(registry(line).map(|host| format!("{place}: names the registry host `{host}`")));
        found.extend(machine_path(line).map(|path| format!("{place}: a path of one machine: `{path}`")));
    }
    found
}

fn registry(line: &str) -> Option<&str> {
    line.split("://").skip(1).find_map(|tail| {
        let host = tail.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-')).next()?;
        let label = host.split('.').next()?;
        let names = host.contains('.') && !host.contains("example") && !host.ends_with(".test");
        (names && REGISTRY_LABELS.contains(&label)).then_some(host)
    })
}

fn machine_path(line: &str) -> Option<String> {
    line.match_indices('/').find_map(|(at, _)| {
        let before = line.get(..at)?.chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || "._-~/})*$>".contains(c)) {
            return None;
        }
        let path: String =
            line.get(at..)?.chars().take_while(|c| c.is_alphanumeric() || "/._-".contains(*c)).collect();
        let mut parts = path.split('/').skip(1);
        let (folder, below) = (parts.next()?, parts.next()?);
        let real = MACHINE_FOLDERS.contains(&folder) && !below.is_empty();
        (real && !EXAMPLES.iter().any(|example| path.starts_with(example))).then_some(path)
    })
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_registry_host_is_found() {
        let host = ["https://", "registry.", "somewhere.org/esbuild"].concat();
        assert_eq!(check("README.md", &format!("get it from {host}")).len(), 1);
        assert_eq!(
            check("README.md", "see https://docs.rs/simsim and https://www.alibabacloud.com").len(),
            0
        );
        let lock = ["\"resolved\": \"https://", "host.org/x.tgz\""].concat();
        assert_eq!(check("tests/npm/package-lock.json", &lock).len(), 1);
    }

    #[test]
    fn a_path_of_a_machine_is_found() {
        let path = ["/ho", "me/alice/simsim/target"].concat();
        for line in [format!("cd {path}"), format!("\"{path}\""), format!("x={path}")] {
            assert_eq!(check("a.sh", &line).len(), 1, "{line}");
        }
        for line in ["see ~/work/x", "https://example.com/work/x", "/home/someone/x", "a/root/b", "/home"] {
            assert_eq!(check("a.sh", line).len(), 0, "{line}");
        }
    }
}
