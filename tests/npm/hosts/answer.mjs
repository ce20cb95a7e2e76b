// A question as a Request, its answer as a Response: what every runtime with fetch handlers shares.
// SPDX-License-Identifier: Apache-2.0 OR MIT

export const answering = (ask) => async (request, waitUntil) => {
  try {
    const path = new URL(request.url).pathname.slice(1);
    return new Response(JSON.stringify(await ask(path, JSON.parse(await request.text()), waitUntil)));
  } catch (error) {
    return new Response(String(error?.stack ?? error), { status: 500 });
  }
};
