/** All the commands, in the order in which help and `bundles/COMMANDS.md` list them. */
import type { Argv } from 'yargs'
import { addCheck, addSign } from './artifact-commands.ts'
import { addCa } from './ca-commands.ts'
import { addChannel } from './channel-commands.ts'
import type { Register } from './context.ts'
import { addExport } from './export-command.ts'
import { addApprove, addImport, addInspect, addVerify } from './passage-commands.ts'
import { addQuarantine, addRestore } from './quarantine-commands.ts'
import { addRevocation } from './revocation-commands.ts'
import { addState, addStatus } from './site-commands.ts'
import { addTrust } from './trust-commands.ts'
import { addWatch } from './watch-command.ts'

/** The parser with every command added. */
export function addCommands(yargs: Argv, register: Register): Argv {
  const adders = [
    addChannel,
    addExport,
    addApprove,
    addInspect,
    addVerify,
    addImport,
    addWatch,
    addSign,
    addCheck,
    addCa,
    addTrust,
    addRevocation,
    addQuarantine,
    addRestore,
    addState,
    addStatus,
  ]
  return adders.reduce((all, add) => add(all, register), yargs)
}
