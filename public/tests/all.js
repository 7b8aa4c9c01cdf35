import "./ansi.test.js"
import "./colours.test.js"
import "./elements.test.js"
import "./format.test.js"
import "./graph.test.js"
import "./html.test.js"
import "./log.test.js"
import "./modules.test.js"
import "./morph.test.js"
import "./router.test.js"
import "./streams.test.js"
import { run } from "./harness.js"

await run(document.getElementById("report"))
