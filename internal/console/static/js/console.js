// What every page does with a script. Without one, all of it is forms and links.
import "./theme.js";
import "./notes.js";
import "./keys.js";
import "./times.js";
import "./dialogs.js";
import "./drafts.js";
import "./studio.js";
import "./viewer.js";
import "./live.js";

document.documentElement.classList.add("scripted");
