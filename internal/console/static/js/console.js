// What every page does with a script. Without one, all of it is forms and links.
import "./theme.js";
import "./notes.js";
import "./keys.js";
import "./times.js";
