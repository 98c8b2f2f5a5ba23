// What every page runs. Each module looks for its own data attributes and does nothing where there are none.

import * as autosave from "./autosave.js";
import * as clock from "./clock.js";
import * as confirmPassword from "./confirm-password.js";
import * as keys from "./keys.js";
import * as live from "./live.js";
import * as menus from "./menus.js";
import * as phrases from "./phrases.js";
import * as residentId from "./resident-id.js";
import * as signedOut from "./signed-out.js";
import * as undo from "./undo.js";

for (const part of [menus, keys, clock, phrases, autosave, confirmPassword, residentId, undo, signedOut, live]) part.start();
document.documentElement.dataset.ready = "true";
