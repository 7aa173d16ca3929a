/** A third of what an import would load; loaded for what a bare socket does not read, and for other origins. */
export { Agent } from 'undici'
