/** A third of what an import loads; loaded by the first request, which comes after the bundle is proven. */
export { Agent } from 'undici'
