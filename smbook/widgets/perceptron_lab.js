// The live perceptron: points that the reader places, and what learns to tell them apart.

import { lab } from "./runtime/lab.js";

export default lab(() => {});
