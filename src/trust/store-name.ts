/** Names of trust stores: `ca:acme`. The kind says what its certificates may vouch for. */

export const STORE_KINDS = ['ca', 'signingAuthority', 'tsa'] as const
export type StoreKind = (typeof STORE_KINDS)[number]
export type StoreName = `${StoreKind}:${string}`

const NAME = /^(?:ca|signingAuthority|tsa):[A-Za-z0-9_.-]+$/

/** True for a store's name as policies write it. `.` and `..` are refused: they would lead out of the folder. */
export function isStoreName(text: string): text is StoreName {
  return text.length <= 300 && NAME.test(text) && !/:\.\.?$/.test(text)
}

export function isStoreKind(text: string | undefined): text is StoreKind {
  return STORE_KINDS.includes(text as StoreKind)
}

export function storeKind(name: StoreName): StoreKind {
  return name.slice(0, name.indexOf(':')) as StoreKind
}
