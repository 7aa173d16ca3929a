/** Brings a fixture layout into a target by its interface alone, so that any implementation can hold it. */
import {
  openLayout,
  Graph,
  orderArtifact,
  carriedBlobs,
  Walk,
  type CompanionTag,
  type Target,
} from '../../src/content/index.ts'

/** Copies one repository with its tags, referrers and signature tags; `target` is where it goes. */
export async function copyLayout(dir: string, repository: string, target: Target): Promise<void> {
  const layout = await openLayout(dir)
  const source = layout.source(repository)
  const graph = new Graph(repository)
  const walk = new Walk(source, graph, (task) => task())
  const tags = (await source.tags()).filter((tag) => !tag.startsWith('sha256-'))
  for (const tag of tags) {
    const root = await source.resolve(tag)
    if (root === undefined) throw new Error(`no ${tag}`)
    await walk.artifact(root, { referrers: 'all' })
    const { manifests, companions } = orderArtifact(graph, root.digest, [tag], 'source')
    const tagged: CompanionTag[] = []
    for (const digest of [...manifests, ...companions]) {
      const node = graph.nodes.get(digest)
      if (node === undefined) throw new Error(`no ${digest}`)
      for (const blob of carriedBlobs(graph, digest))
        await target.pushBlob(blob, { open: (from) => source.blob(blob, from) })
      await target.pushManifest(node.descriptor, node.bytes)
      const listed = graph.listed.get(digest) ?? []
      if (listed.length > 0) await target.listReferrers(node.descriptor, listed)
      for (const companion of graph.companionsOf(digest)) tagged.push(companion)
    }
    for (const { tag: name, descriptor } of tagged) {
      const node = graph.nodes.get(descriptor.digest)
      if (node !== undefined) await target.tag(name, node.descriptor, node.bytes)
    }
    const node = graph.nodes.get(root.digest)
    if (node !== undefined) await target.tag(tag, node.descriptor, node.bytes)
  }
  layout.close()
}
