/** Strict access to the members of a row. Throws TypeError: a row of the wrong shape is never half understood. */
import { isJsonObject, type Json, type JsonObject } from '../codec/index.ts'
import { isDigest, type Digest } from '../oci/index.ts'
import { isSeconds } from './journal-row.ts'

function wrong(name: string): TypeError {
  return new TypeError(`member ${name} is missing or of the wrong kind`)
}

export function textOf(row: JsonObject, name: string): string {
  const value = row[name]
  if (typeof value !== 'string' || value === '') throw wrong(name)
  return value
}

export function textsOf(row: JsonObject, name: string): string[] {
  const value = row[name]
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) throw wrong(name)
  return value
}

/** An integer from 0 on. */
export function countOf(row: JsonObject, name: string): number {
  const value = row[name]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw wrong(name)
  return value
}

export function objectOf(row: JsonObject, name: string): JsonObject {
  const value = row[name]
  if (!isJsonObject(value)) throw wrong(name)
  return value
}

export function textOrNull(row: JsonObject, name: string): string | null {
  return row[name] === null ? null : textOf(row, name)
}

export function oneOf<T extends string>(row: JsonObject, name: string, choices: readonly T[]): T {
  const value: Json | undefined = row[name]
  const found = choices.find((choice) => choice === value)
  if (found === undefined) throw wrong(name)
  return found
}

export function objectsOf(row: JsonObject, name: string): JsonObject[] {
  const value = row[name]
  if (!Array.isArray(value) || !value.every(isJsonObject)) throw wrong(name)
  return value
}

export function digestIn(row: JsonObject, name: string): Digest {
  const value = textOf(row, name)
  if (!isDigest(value)) throw wrong(name)
  return value
}

/** A SHA-256 in lower-case hex. */
export function hashIn(row: JsonObject, name: string): string {
  const value = textOf(row, name)
  if (!isHash(value)) throw wrong(name)
  return value
}

/** A time in UTC and whole seconds. */
export function secondsIn(row: JsonObject, name: string): string {
  const value = textOf(row, name)
  if (!isSeconds(value)) throw wrong(name)
  return value
}

/** True for a SHA-256 in lower-case hex. */
export function isHash(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text)
}
