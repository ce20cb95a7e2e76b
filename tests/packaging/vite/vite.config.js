// Vite leaves packages out of server code unless told otherwise.
// SPDX-License-Identifier: Apache-2.0 OR MIT
export default { ssr: { noExternal: true }, logLevel: "error" };
