// One process, so that the last file sees what all before it have called.
import "./files.js";
import "./jobs.js";
import "./chat.js";
import "./completions.js";
import "./batches.js";
import "./coverage.js";
