/** Loaded before the program: writes down each module that it loads, a line each, to the file that `LOADED` names. */
import { appendFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

registerHooks({
  load: (url, context, next) => {
    appendFileSync(process.env['LOADED'] ?? '', `${url}\n`)
    return next(url, context)
  },
})
