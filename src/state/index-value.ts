/** A value of the index carries its own digest, for LevelDB gives wrong bytes as good when a bit of its files flips. */
import { hash } from 'node:crypto'
import { sortedJson, type Json } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import { keyText } from './index-key.ts'

const DIGEST = 32

function digestOf(key: string, text: string): string {
  return hash('sha256', `${key.length}:${key}${text}`).slice(0, DIGEST)
}

/** The stored text: the first 128 bits of the SHA-256 over key and value, in hex, then the value as canonical JSON. */
export function sealValue(key: string, value: Json): string {
  const text = sortedJson(value)
  return digestOf(key, text) + text
}

/** The value of a stored text. Throws INDEX_DAMAGED when the text does not belong to this key or was altered. */
export function openValue(key: string, stored: string): Json {
  const text = stored.slice(DIGEST)
  if (stored.slice(0, DIGEST) !== digestOf(key, text))
    throw new SallyportError('INDEX_DAMAGED', { side: 'state', subject: `index: ${keyText(key)}` })
  return JSON.parse(text) as Json
}
