// A worker that packs results into one archive.

import { zip } from "./zip.js";

onmessage = async ({ data }) => {
  postMessage(await zip(data));
};
