/** The state as a page for people: every object a table, every list of objects its rows. */
export function statusPage(state: object, notReady: string | null): string {
  const health = notReady === null ? 'ready' : `not ready: ${escape(notReady)}`
  const tone = notReady === null ? 'good' : 'bad'
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="5">
<title>switchmaster: ${health}</title>
<style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: 0.25rem 0; }
th, td { border: 1px solid #8886; padding: 0.15rem 0.6rem; text-align: left; vertical-align: top; }
th { font-weight: 600; }
.good { color: #17803d; } .bad { color: #c02626; }
</style>
</head>
<body>
<h1>switchmaster <span class="${tone}">${health}</span></h1>
<p><a href="/state">/state</a> <a href="/metrics">/metrics</a> <a href="/events">/events</a>
<a href="/healthz">/healthz</a> <a href="/readyz">/readyz</a> (this page renews itself every 5 s)</p>
${render(state)}
</body>
</html>
`
}

function render(value: unknown): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return 'none'
    return `<ul>${value.map((item) => `<li>${render(item)}</li>`).join('')}</ul>`
  }
  if (typeof value === 'object' && value !== null) {
    const rows = Object.entries(value).map(
      ([key, item]) => `<tr><th>${escape(key)}</th><td>${render(item)}</td></tr>`,
    )
    return rows.length === 0 ? 'none' : `<table>${rows.join('\n')}</table>`
  }
  if (value === null || value === undefined) return 'none'
  return escape(typeof value === 'string' ? value : JSON.stringify(value))
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => entities[letter] ?? letter)
}
