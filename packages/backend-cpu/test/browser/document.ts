/** The document around page.ts. */
export const PAGE_HTML = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>Millet in a browser</title>
    <style>
      body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
      #prompt { font-weight: 600; margin-top: 1.5rem; }
      #answer { white-space: pre-wrap; }
      #backend, #limitations { color: #555; font-size: 0.875rem; }
    </style>
  </head>
  <body>
    <h1>Millet</h1>
    <p id="status">nothing loaded</p>
    <p id="backend"></p>
    <p id="limitations"></p>
    <p id="prompt"></p>
    <p id="answer"></p>
    <script type="module" src="/page.js"></script>
  </body>
</html>
`;
