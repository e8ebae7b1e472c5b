const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
const form = document.querySelector('form');
const element = (name, text, title = '') => Object.assign(document.createElement(name), { textContent: text, title });

form.addEventListener('submit', (event) => {
  event.preventDefault();
  worker.postMessage(form.elements.text.value);
});

worker.addEventListener('message', ({ data: { text, entities, error = '' } }) => {
  document.querySelector('[role=alert]').textContent = error;
  if (error !== '') return;
  const marked = [];
  let behind = 0;
  for (const { start, end, type } of entities) {
    marked.push(text.slice(behind, start), element('mark', text.slice(start, end), type)); // text stays text: no innerHTML
    behind = end;
  }
  document.querySelector('#text').replaceChildren(...marked, text.slice(behind));
  const lines = entities.map(({ start, end, type, text, score }) =>
    element('li', `${start}-${end} ${text}: ${type}, ${score.toFixed(2)}`),
  );
  document.querySelector('ol').replaceChildren(...lines);
});
