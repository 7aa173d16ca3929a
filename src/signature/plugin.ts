/** Plugins of Notation (plugin-extensibility.md, contract 1.0): finding one, and asking it. */
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { isJsonObject, parseJson, type JsonObject } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import { plainText, PluginAnswer, pluginFault } from './plugin-answer.ts'
import { callPlugin, PluginStopped, type PluginExit } from './plugin-process.ts'

export type PluginCommand =
  'get-plugin-metadata' | 'describe-key' | 'generate-signature' | 'generate-envelope' | 'verify-signature'

const CAPABILITIES = [
  'SIGNATURE_GENERATOR.RAW',
  'SIGNATURE_GENERATOR.ENVELOPE',
  'SIGNATURE_VERIFIER.TRUSTED_IDENTITY',
  'SIGNATURE_VERIFIER.REVOCATION_CHECK',
] as const

export type PluginCapability = (typeof CAPABILITIES)[number]

export interface PluginTerms {
  /** Notation's own folder: a plugin is `{folder}/plugins/{name}/notation-{name}`. */
  folder: string
  /** Handed to the plugin as it is (`pluginConfig`). */
  config?: Readonly<Record<string, string>> | undefined
  /** All that the plugin sees of the environment; by default nothing but the PATH of system programs. */
  environment?: Readonly<Record<string, string>> | undefined
  /** For one command; 30 seconds by default. Then the plugin and all it has started are killed. */
  timeoutMs?: number | undefined
  signal?: AbortSignal | undefined
}

export interface Plugin {
  name: string
  version: string
  /** Those of contract 1.0; others are passed over. */
  capabilities: ReadonlySet<PluginCapability>
  /** The answer to a command, of which only the form is checked. Throws PLUGIN_FAILED, or the signal's reason. */
  ask(command: PluginCommand, request: JsonObject): Promise<PluginAnswer>
}

const CONTRACT = '1.0'
const CONTRACT_VERSION = /^(0|[1-9]\d{0,5})\.(?:0|[1-9]\d{0,5})$/
/** Stops a signature, which may name a plugin too, from naming a path. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/
const TIMEOUT_MS = 30_000
/** What an answer may hold: 64 MiB of empty lists would exhaust memory. */
const MAX_VALUES = 65_536
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }
const OTHERS_WRITE = 0o002

/** The program of a plugin. Throws PLUGIN_MISSING. */
async function findProgram(folder: string, name: string): Promise<string> {
  const missing = (detail: string, cause?: unknown): SallyportError =>
    new SallyportError('PLUGIN_MISSING', { side: 'state', subject: `plugin ${plainText(name)}`, detail, cause })
  if (!NAME.test(name)) throw missing('not the name of a plugin')
  const [home, file] = [join(folder, 'plugins', name), join(folder, 'plugins', name, `notation-${name}`)]
  const [place, program] = await Promise.all([lstat(home), lstat(file)]).catch((cause: unknown) => {
    throw missing(`there is no ${file}`, cause)
  })
  // The specification wants a regular file; stops a link into a place that others may write.
  if (!place.isDirectory() || !program.isFile()) throw missing(`${file} is not a regular file in a folder of its own`)
  // Stops a program that any account of this host could have put there.
  if (((place.mode | program.mode) & OTHERS_WRITE) !== 0) throw missing(`anyone may write to ${file} or its folder`)
  if ((program.mode & 0o111) === 0) throw missing(`${file} is not executable`)
  return file
}

/** The error a plugin reports on stderr, where it does so as the protocol says. */
function reported(stderr: Buffer): string | undefined {
  try {
    const error = parseJson(stderr, 'state', 'stderr')
    if (!isJsonObject(error) || typeof error['errorCode'] !== 'string') return undefined
    const message = error['errorMessage']
    return plainText(`${error['errorCode']}${typeof message === 'string' ? `: ${message}` : ''}`)
  } catch {
    // What else stands there may be a log with secrets, and is not shown.
    return undefined
  }
}

function readAnswer(name: string, command: PluginCommand, exit: PluginExit): PluginAnswer {
  const { status, stdout, stderr } = exit
  if (status !== 0) {
    const why = (status === 1 ? reported(stderr) : undefined) ?? `exit status ${status}`
    throw pluginFault(name, `${command}: ${why}`)
  }
  try {
    const answer = parseJson(stdout, 'state', `plugin ${name}`, MAX_VALUES)
    if (isJsonObject(answer)) return new PluginAnswer(name, command, answer)
  } catch (cause) {
    throw pluginFault(name, `${command}: the answer is not strict JSON and nothing else`, cause)
  }
  throw pluginFault(name, `${command}: the answer is no object`)
}

/**
 * A plugin that has told its name, version, contract and capabilities. It is asked anew each time, as the specification
 * says. Throws PLUGIN_MISSING, PLUGIN_FAILED, or the signal's reason.
 */
export async function openPlugin(name: string, terms: PluginTerms): Promise<Plugin> {
  const { config = {}, environment = ENVIRONMENT, timeoutMs = TIMEOUT_MS, signal } = terms
  const file = await findProgram(terms.folder, name)
  const configured = Object.keys(config).length === 0 ? {} : { pluginConfig: { ...config } }
  const call = async (command: PluginCommand, request: JsonObject): Promise<PluginAnswer> => {
    const input = JSON.stringify({ ...request, ...configured })
    try {
      return readAnswer(name, command, await callPlugin({ file, command, input, environment, timeoutMs, signal }))
    } catch (cause) {
      if (cause instanceof PluginStopped) throw pluginFault(name, `${command}: it ${cause.message}`, cause.cause)
      throw cause
    }
  }
  const metadata = await call('get-plugin-metadata', {})
  metadata.echo('name', name)
  metadata.text('description')
  metadata.text('url')
  const version = plainText(metadata.text('version'))
  checkContract(metadata)
  const stated = metadata.texts('capabilities')
  if (stated.length === 0) throw metadata.fault('it can do nothing')
  return {
    name,
    version,
    capabilities: new Set(CAPABILITIES.filter((capability) => stated.includes(capability))),
    ask: (command, request) => call(command, { contractVersion: CONTRACT, ...request }),
  }
}

/** One contract version for each major version, ours among them: a higher one may mean something else by the same words. */
function checkContract(metadata: PluginAnswer): void {
  const versions = metadata.texts('supportedContractVersions')
  const majors = versions.map((version) => CONTRACT_VERSION.exec(version)?.[1])
  if (majors.includes(undefined) || new Set(majors).size !== majors.length)
    throw metadata.fault('supportedContractVersions is not one version for each major version')
  if (!versions.includes(CONTRACT)) throw metadata.fault(`it does not speak contract ${CONTRACT}`)
}
