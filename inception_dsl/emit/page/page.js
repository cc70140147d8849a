// A row that is chosen in the address (`#row=inception_3a`) is shown in every pane. Without this script all is readable.
"use strict";
