// A browser's page is no place for keys, unless its author says that it is.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { config } from "../errors.js";

export function allowed({ dangerouslyAllowBrowser }) {
  if (typeof document === "object" && typeof window === "object" && !dangerouslyAllowBrowser) {
    throw config("dangerouslyAllowBrowser", "keys do not belong in a page that anyone can open; read secrets on a server, or set it to true");
  }
}
