/** How skopeo, regctl and oras list and fetch what lies in a repository, each by commands of its own. */
import { peer, orasFlags, skopeoFlags, type Registry } from './setup/registry.ts'
import { FALLBACK } from './registry-contents.ts'

export interface PeerReader {
  readonly name: string
  /** Whether it pulls an index of indexes. */
  readonly nests: boolean
  /** All tags, those included that list referrers. */
  tags(repository: string): Promise<string[]>
  /** The manifest's bytes, by tag (`:1`) or digest (`@sha256:…`). */
  manifest(repository: string, which: string): Promise<string>
  /** Digests of what refers to a manifest. */
  referrers(repository: string, digest: string): Promise<string[]>
  /** Copies a manifest with all that it names, its referrers where the tool can, into a folder. */
  pull(repository: string, digest: string, folder: string): Promise<void>
}

function words(text: string): string[] {
  return text.split(/\s+/).filter(Boolean)
}

/** One of each tool, for a registry. */
export function peerReaders(registry: Registry): PeerReader[] {
  const run = (tool: string, ...args: string[]): Promise<string> => peer(tool, args, { env: registry.env })
  const at = (repository: string, which = ''): string => `${registry.host}/${repository}${which}`
  const [tls, plain] = [skopeoFlags(registry), orasFlags(registry)]

  const skopeo: PeerReader = {
    name: 'skopeo',
    nests: false,
    tags: async (repository) =>
      (JSON.parse(await run('skopeo', 'list-tags', ...tls, `docker://${at(repository)}`)) as { Tags: string[] }).Tags,
    manifest: (repository, which) => run('skopeo', 'inspect', '--raw', ...tls, `docker://${at(repository, which)}`),
    // It knows of no referrers, and reads the list as the index that it is.
    referrers: async (repository, digest) => {
      const tag = digest.replace(':', '-')
      if (!FALLBACK.test(tag) || !(await skopeo.tags(repository)).includes(tag)) return []
      const list = JSON.parse(await skopeo.manifest(repository, `:${tag}`)) as { manifests: { digest: string }[] }
      return list.manifests.map((one) => one.digest)
    },
    pull: async (repository, digest, folder) => {
      const flags = ['--quiet', '--all', '--preserve-digests', ...skopeoFlags(registry, 'src-')]
      await run('skopeo', 'copy', ...flags, `docker://${at(repository, `@${digest}`)}`, `dir:${folder}`)
    },
  }

  const regctl: PeerReader = {
    name: 'regctl',
    nests: true,
    tags: async (repository) => words(await run('regctl', 'tag', 'ls', at(repository))),
    manifest: (repository, which) => run('regctl', 'manifest', 'get', '--format', 'raw-body', at(repository, which)),
    referrers: async (repository, digest) => {
      const template = '{{range .Descriptors}}{{.Digest}} {{end}}'
      return words(await run('regctl', 'artifact', 'list', '--format', template, at(repository, `@${digest}`)))
    },
    pull: async (repository, digest, folder) => {
      const flags = ['--referrers', '--digest-tags']
      await run('regctl', 'image', 'copy', ...flags, at(repository, `@${digest}`), `ocidir://${folder}:pulled`)
    },
  }

  const oras: PeerReader = {
    name: 'oras',
    nests: true,
    tags: async (repository) => words(await run('oras', 'repo', 'tags', ...plain, at(repository))),
    manifest: (repository, which) => run('oras', 'manifest', 'fetch', ...plain, at(repository, which)),
    referrers: async (repository, digest) => {
      const template = 'go-template={{range .referrers}}{{.digest}} {{end}}'
      return words(await run('oras', 'discover', ...plain, '--format', template, at(repository, `@${digest}`)))
    },
    pull: async (repository, digest, folder) => {
      const flags = ['--recursive', ...orasFlags(registry, 'from-'), '--to-oci-layout']
      await run('oras', 'copy', ...flags, at(repository, `@${digest}`), `${folder}:pulled`)
    },
  }
  return [skopeo, regctl, oras]
}
