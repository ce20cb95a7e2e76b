// Serves the suite's questions over node:http, for Node's two ways to load the package.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

export function serve(ask) {
  const server = createServer(async (request, response) => {
    try {
      response.end(JSON.stringify(await ask(request.url.slice(1), JSON.parse(await text(request)), () => {})));
    } catch (error) {
      response.writeHead(500).end(String(error?.stack ?? error));
    }
  });
  server.listen(0, "127.0.0.1", () => console.log(`listening on ${server.address().port}`));
}
