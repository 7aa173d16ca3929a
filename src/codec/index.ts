/** Floor 2: codecs for what libraries leave open. Pure; hostile input expected. */
export { canonicalBytes, canonicalJson } from './canonical-json.ts'
export { isJsonObject, parseJson, type Json, type JsonObject } from './strict-json.ts'
