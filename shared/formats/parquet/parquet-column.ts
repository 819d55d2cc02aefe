import type { ColumnData } from 'hyparquet';

/** The values of one column of a window of rows, in the pages that they came in. They are asked for in the order of the rows. */
export class ColumnValues {
  readonly #pages: ColumnData[] = [];
  #page: ColumnData | undefined;
  #next = 0;

  /** Pages come in the order of their rows, and may hold rows before and behind the window. */
  add(page: ColumnData): void {
    this.#pages.push(page);
  }

  /** @param row of the row group. @returns undefined where no page has it. */
  at(row: number): unknown {
    while (this.#page === undefined || row >= this.#page.rowEnd) {
      this.#page = this.#pages[this.#next++];
      if (this.#page === undefined) return undefined;
    }
    return this.#page.columnData[row - this.#page.rowStart];
  }
}
