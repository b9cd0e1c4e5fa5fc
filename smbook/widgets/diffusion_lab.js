// The live diffusion.

import { lab } from "./runtime/lab.js";

export default lab(() => {});
