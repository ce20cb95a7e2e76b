// Node with the package as an ES module.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import * as simsim from "simsim";
import options from "../options.mjs";
import { world } from "../world/world.mjs";
import { serve } from "./serve-node.mjs";

serve(world(simsim, options));
