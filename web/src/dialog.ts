// What the metrics mean, and the SQL behind a tile.

import { h, icon } from './dom';
import { t } from './texts';
import type { Page } from './types';

export function definitions(page: Page, metrics: string[], title: string, sql?: string): void {
  const heading = title || t('definitions');
  const dialog = h('dialog', { class: 'dialog', 'aria-labelledby': 'dialog-title' },
    h('header', {}, h('h2', { id: 'dialog-title' }, heading), h('button', { type: 'button', class: 'tool', 'aria-label': t('close'), title: t('close'), click: () => dialog.close() }, icon('close'))),
    h('div', { class: 'dialog-body', tabindex: '0' },
      h('dl', {}, ...metrics.flatMap((name) => {
        const metric = page.metrics[name];
        return metric ? [h('dt', {}, metric.label, h('code', {}, name)), h('dd', {}, metric.description || t('noDescription'))] : [];
      })),
      sql ? h('details', { open: true }, h('summary', {}, t('sql')), h('pre', {}, h('code', {}, sql))) : null,
    ),
  );
  dialog.addEventListener('close', () => dialog.remove());
  dialog.addEventListener('click', (e) => {
    if (e.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
}
