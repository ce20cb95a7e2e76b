// Edge functions as Vercel runs them: a fetch event each.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import * as simsim from "simsim";
import options from "../options.mjs";
import { world } from "../world/world.mjs";
import { answering } from "./answer.mjs";

const answer = answering(world(simsim, options));
addEventListener("fetch", (event) => event.respondWith(answer(event.request, (promise) => event.waitUntil(promise))));
