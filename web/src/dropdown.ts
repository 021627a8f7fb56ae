// A button that opens a list to choose from, with a field to search long lists. By keyboard: arrows, Home, End, Enter, Escape.

import { h, icon } from './dom';
import { t } from './texts';

export interface Choice { key: string; label: string; note?: string; group?: string }

interface Options {
  label: string;
  choices: () => Choice[];
  chosen: () => string[];
  /** What stands on the button. */
  text: () => string;
  active: () => boolean;
  many: boolean;
  choose: (keys: string[]) => void;
  /** Put under the list. */
  below?: (close: () => void) => HTMLElement | null;
}

let count = 0;
let open: Dropdown | null = null;

export class Dropdown {
  readonly root: HTMLElement;
  private id = `dd${++count}`;
  private value = h('span', { class: 'dd-value' });
  private button: HTMLButtonElement;
  private panel: HTMLElement | null = null;
  private list: HTMLElement | null = null;
  private shown: Choice[] = [];
  private at = 0;

  constructor(private options: Options) {
    this.button = h(
      'button',
      { type: 'button', class: 'dd-button', 'aria-haspopup': 'listbox', 'aria-expanded': 'false', click: () => this.toggle(), keydown: (e: KeyboardEvent) => this.onButton(e) },
      h('span', { class: 'dd-label' }, options.label),
      ' ',
      this.value,
      icon('chevron'),
    );
    this.root = h('div', { class: 'dd' }, this.button);
    this.update();
  }

  update(): void {
    this.value.textContent = this.options.text();
    this.root.classList.toggle('active', this.options.active());
    if (this.list) this.fill();
  }

  private toggle(): void {
    if (this.panel) this.close(true);
    else this.show();
  }

  private onButton(e: KeyboardEvent): void {
    if ((e.key === 'ArrowDown' || e.key === 'ArrowUp') && !this.panel) {
      e.preventDefault();
      this.show();
    }
  }

  private show(): void {
    open?.close(false);
    open = this;
    const choices = this.options.choices();
    this.list = h('div', { role: 'listbox', class: 'dd-list', tabindex: '-1', id: `${this.id}-list`, 'aria-label': this.options.label, 'aria-multiselectable': this.options.many ? 'true' : null });
    const search = choices.length > 14 ? h('input', { type: 'text', class: 'dd-search', placeholder: t('search'), 'aria-label': `${t('search')}: ${this.options.label}`, role: 'combobox', 'aria-expanded': 'true', 'aria-controls': `${this.id}-list`, 'aria-autocomplete': 'list', autocomplete: 'off', spellcheck: 'false', input: () => this.fill(true) }) : null;
    this.panel = h('div', { class: 'dd-panel', keydown: (e: KeyboardEvent) => this.onKey(e) }, search, this.list, this.options.below?.(() => this.close(true)) ?? null);
    this.root.append(this.panel);
    this.button.setAttribute('aria-expanded', 'true');
    this.at = Math.max(0, choices.findIndex((c) => this.options.chosen().includes(c.key)));
    this.fill();
    (search ?? this.list).focus();
    const right = this.panel.getBoundingClientRect().right;
    if (right > document.documentElement.clientWidth - 8) this.panel.classList.add('to-left');
    document.addEventListener('pointerdown', this.outside, true);
    document.addEventListener('focusin', this.outside, true);
  }

  private outside = (e: Event): void => {
    if (e.target instanceof Node && !this.root.contains(e.target)) this.close(false);
  };

  private close(focus: boolean): void {
    if (!this.panel) return;
    this.panel.remove();
    this.panel = this.list = null;
    if (open === this) open = null;
    this.button.setAttribute('aria-expanded', 'false');
    document.removeEventListener('pointerdown', this.outside, true);
    document.removeEventListener('focusin', this.outside, true);
    if (focus) this.button.focus();
  }

  private get search(): HTMLInputElement | null {
    return this.panel?.querySelector('.dd-search') ?? null;
  }

  private fill(again = false): void {
    const list = this.list;
    if (!list) return;
    const words = (this.search?.value ?? '').toLowerCase().trim();
    this.shown = this.options.choices().filter((c) => !words || c.label.toLowerCase().includes(words));
    if (again) this.at = 0;
    const chosen = new Set(this.options.chosen());
    const out: HTMLElement[] = [];
    let group: string | undefined;
    this.shown.forEach((choice, i) => {
      if (choice.group !== group) {
        group = choice.group;
        if (group) out.push(h('div', { class: 'dd-group', role: 'presentation' }, group));
      }
      const on = chosen.has(choice.key);
      out.push(
        h('div', { role: 'option', id: `${this.id}-o${i}`, class: `dd-option${i === this.at ? ' at' : ''}`, 'aria-selected': String(on), 'data-key': choice.key, click: () => this.choose(i) }, h('span', { class: 'dd-tick' }, on ? icon('check') : null), h('span', { class: 'dd-text' }, choice.label), choice.note ? h('span', { class: 'dd-note' }, choice.note) : null),
      );
    });
    if (!out.length) out.push(h('div', { class: 'dd-none' }, t('noHits')));
    list.replaceChildren(...out);
    this.move(this.at);
  }

  private move(to: number): void {
    this.at = Math.max(0, Math.min(this.shown.length - 1, to));
    this.list?.querySelectorAll('.dd-option').forEach((option, i) => {
      option.classList.toggle('at', i === this.at);
      if (i === this.at) option.scrollIntoView({ block: 'nearest' });
    });
    (this.search ?? this.list)?.setAttribute('aria-activedescendant', `${this.id}-o${this.at}`);
  }

  private choose(i: number): void {
    const choice = this.shown[i];
    if (!choice) return;
    this.at = i;
    const chosen = this.options.chosen();
    if (this.options.many && choice.key !== '') {
      const rest = chosen.filter((key) => key !== '');
      this.options.choose(rest.includes(choice.key) ? rest.filter((key) => key !== choice.key) : [...rest, choice.key]);
    } else {
      this.close(true);
      this.options.choose(choice.key === '' ? [] : [choice.key]);
    }
  }

  private onKey(e: KeyboardEvent): void {
    const inForm = e.target instanceof HTMLInputElement && e.target !== this.search;
    if (e.key === 'Escape') {
      e.stopPropagation();
      this.close(true);
      return;
    }
    if (inForm || e.target instanceof HTMLButtonElement) return;
    const step: Record<string, number> = { ArrowDown: this.at + 1, ArrowUp: this.at - 1, PageDown: this.at + 8, PageUp: this.at - 8, Home: 0, End: this.shown.length - 1 };
    const to = step[e.key];
    if (to !== undefined && !(this.search && (e.key === 'Home' || e.key === 'End'))) {
      e.preventDefault();
      this.move(to);
    } else if (e.key === 'Enter' || (e.key === ' ' && !this.search)) {
      e.preventDefault();
      this.choose(this.at);
    }
  }
}
