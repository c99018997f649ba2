// What every page does with a script. Without one, all of it is forms and links.
import "./theme.js";
import "./notes.js";
import "./keys.js";
import "./times.js";
import "./dialogs.js";
import "./drafts.js";
import "./credits.js";
import "./studio.js";
import "./choose.js";
import "./focus.js";
import "./viewer.js";
import "./live.js";

document.documentElement.classList.add("scripted");

// A text box that a person has made larger stays so; and a style may not be copied: the
// page's policy allows none that stands in an element.
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name) => name !== "style";

// A picture of the page before, which does not fit any more, is no fault.
for (const moment of ["pageswap", "pagereveal"]) addEventListener(moment, (event) => event.viewTransition?.ready.catch(() => {}));
