/** Media types of the OCI image spec and of Docker schema 2, and what each one is. */

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
export const OCI_EMPTY = 'application/vnd.oci.empty.v1+json'
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
export const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'
/** A revocation list (RFC 2585, RFC 5280), a certificate, an OCSP answer (RFC 6960). */
export const REVOCATION_LIST = 'application/pkix-crl'
export const CERTIFICATE = 'application/pkix-cert'
export const OCSP_ANSWER = 'application/ocsp-response'

/** What a registry is asked for when a manifest is fetched. Schema 1 is absent on purpose. */
export const MANIFEST_TYPES: readonly string[] = [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST]

const SCHEMA1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+(?:json|prettyjws)$/
const NONDISTRIBUTABLE =
  /^application\/vnd\.(?:docker\.image\.rootfs\.foreign\.diff|oci\.image\.layer\.nondistributable\.v1)\.tar/

export function isIndexType(mediaType: string): boolean {
  return mediaType === OCI_INDEX || mediaType === DOCKER_LIST
}

/** True for a type whose children this version can follow. */
export function isManifestType(mediaType: string): boolean {
  return MANIFEST_TYPES.includes(mediaType)
}

export function isSchema1(mediaType: string): boolean {
  return SCHEMA1.test(mediaType)
}

const BLOBS =
  /^application\/vnd\.(?:oci\.image\.(?:layer|config)|docker\.(?:image\.rootfs|container\.image)|buildkit\.cacheconfig)\./

/** True for a type of content that is no manifest, whoever lists it. */
export function isBlobType(mediaType: string): boolean {
  return BLOBS.test(mediaType)
}

/** True for a layer that its maker forbids to hand on; named, never fetched from its `urls`. */
export function isForeignLayer(mediaType: string): boolean {
  return NONDISTRIBUTABLE.test(mediaType)
}

const ENVELOPES =
  /^application\/(?:jose\+json|cose|vnd\.dev\.cosign\.simplesigning\.v1\+json|vnd\.dsse\.envelope\.v1\+json|vnd\.dev\.sigstore\.bundle.*|pkix-crl|pkix-cert|ocsp-response|vnd\.sallyport\..*)$/

/** True for a blob that must be judged before payload flows: a signature envelope, trust or revocation data. */
export function isEnvelopeType(mediaType: string): boolean {
  return ENVELOPES.test(mediaType)
}

/** The most bytes that any blob may have to be judged before payload flows: a revocation list. All others: {@link ENVELOPE_CAP}. */
export const REVOCATION_LIST_CAP = 64 * 1024 * 1024
/** Envelopes above this size travel as payload; FORMAT "Law". */
export const ENVELOPE_CAP = 32 * 1024 * 1024

/** True for a blob that is law (FORMAT 8.4): it must be judged before payload flows, and is small enough to be held. */
export function isLaw({ mediaType, size }: { mediaType: string; size: number }): boolean {
  return isEnvelopeType(mediaType) && size <= (mediaType === REVOCATION_LIST ? REVOCATION_LIST_CAP : ENVELOPE_CAP)
}

const SIGNATURES =
  /^application\/(?:vnd\.cncf\.notary\.signature|vnd\.dev\.cosign\.artifact\.sig\.v1\+json|vnd\.dev\.sigstore\.bundle.*)$/

/** True for an artifact type that marks a signature (Notary Project, cosign, sigstore bundle). */
export function isSignatureType(artifactType: string): boolean {
  return SIGNATURES.test(artifactType)
}
