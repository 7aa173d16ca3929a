/** Floor 5: the distribution-spec client. Only this room opens sockets. */
export { RegistryClient, type RegistryPlace } from './client.ts'
export { type RegistryOptions, type Timing } from './options.ts'
export { findAuthfiles } from './authfile.ts'
export { readCredentials, resolveCredentials, type Credential, type Credentials } from './credentials.ts'
export { type RegistryTarget } from './target.ts'
export { postTimestampQuery, type TimestampService } from './timestamp-service.ts'
export { getDocument, type DocumentAddress } from './document.ts'
export { NARROW } from './exchange.ts'
