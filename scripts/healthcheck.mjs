// The image's HEALTHCHECK: exits with 0 when /healthz answers on the configured admin port. The
// image has no curl.
const [port = '8890'] = /\d+$/.exec(process.env.SWITCHMASTER_ADMIN ?? '') ?? []
try {
  const response = await fetch(`http://127.0.0.1:${port}/healthz`, {
    signal: AbortSignal.timeout(2000),
  })
  process.exit(response.ok ? 0 : 1)
} catch {
  process.exit(1)
}
