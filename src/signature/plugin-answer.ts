/** What a plugin answers, member by member: strict JSON of the protocol's types, and nothing is believed of it. */
import type { Json, JsonObject } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import { decodeBase64 } from './base64.ts'

/** The error for a plugin that failed or spoke outside the protocol; `detail` goes on after the plugin's name. */
export function pluginFault(name: string, detail: string, cause?: unknown): SallyportError {
  return new SallyportError('PLUGIN_FAILED', { side: 'state', subject: `plugin ${name}`, detail, cause })
}

const TEXT_CAP = 300

/** Text of a plugin, fit for a line. */
export function plainText(text: string): string {
  const clean = text.slice(0, TEXT_CAP * 4).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]+/gu, ' ')
  return clean.length > TEXT_CAP ? `${clean.slice(0, TEXT_CAP)}…` : clean.trim()
}

export class PluginAnswer {
  readonly #members: JsonObject
  readonly #fault: (detail: string, cause?: unknown) => SallyportError

  constructor(plugin: string, command: string, members: JsonObject) {
    this.#members = members
    this.#fault = (detail, cause) => pluginFault(plugin, `${command}: ${detail}`, cause)
  }

  /** The error for an answer that lies. */
  fault(detail: string, cause?: unknown): SallyportError {
    return this.#fault(detail, cause)
  }

  get(name: string): Json | undefined {
    return Object.hasOwn(this.#members, name) ? this.#members[name] : undefined
  }

  /** A text that is not empty. Throws PLUGIN_FAILED, as all of these do. */
  text(name: string): string {
    const value = this.get(name)
    if (typeof value !== 'string' || value === '') throw this.#fault(`${name} is no text`)
    return value
  }

  texts(name: string): string[] {
    const value = this.get(name)
    const texts = Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
    if (!Array.isArray(value) || texts.length !== value.length) throw this.#fault(`${name} is no list of texts`)
    return texts
  }

  /** Bytes in padded base64, as Go writes them. */
  bytes(name: string): Buffer {
    return this.#decode(name, this.text(name))
  }

  manyBytes(name: string): Buffer[] {
    return this.texts(name).map((text) => this.#decode(name, text))
  }

  #decode(name: string, text: string): Buffer {
    const bytes = decodeBase64(text, 'base64')
    if (bytes === undefined || bytes.length === 0) throw this.#fault(`${name} is not base64`)
    return bytes
  }

  /** What must be answered as it was asked. */
  echo(name: string, asked: string): void {
    if (this.text(name) !== asked) throw this.#fault(`${name} is not what was asked for`)
  }
}
