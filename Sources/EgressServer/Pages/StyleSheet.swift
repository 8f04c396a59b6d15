#if Server
enum StyleSheet {
    static let css = #"""
        :root {
          color-scheme: light dark;
          --back: #f7f7f8; --card: #fff; --text: #1c1d21; --dim: #6b6f78; --line: #e2e3e7; --accent: #0b6bcb;
          --active: #1a8f4b; --waiting: #b07a00; --inactive: #b3261e;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --back: #131417; --card: #1d1f24; --text: #ececf0; --dim: #9a9faa; --line: #30333b; --accent: #6db3ff;
            --active: #5fd08d; --waiting: #e6b450; --inactive: #ff8f86;
          }
        }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
        main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem; }
        h1 { font-size: 1.25rem; font-weight: 600; margin: 0 0 1rem; overflow-wrap: anywhere; }
        a { color: var(--accent); text-decoration: none; }
        a:hover { text-decoration: underline; }
        .dim { color: var(--dim); }
        .list { list-style: none; margin: 0; padding: 0; display: grid; gap: .6rem; }
        .list li {
          background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 1rem;
          display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; align-items: baseline;
        }
        .list .name { font-weight: 600; flex: 1 1 12rem; overflow-wrap: anywhere; }
        .state::before { content: "●"; margin-right: .4em; }
        .active { color: var(--active); } .waiting, .starting { color: var(--waiting); } .inactive { color: var(--inactive); }
        .warning { color: var(--inactive); font-weight: 600; }
        .player { position: relative; background: #000; border-radius: .6rem; overflow: hidden; aspect-ratio: 16 / 9; }
        .player video { width: 100%; height: 100%; display: block; object-fit: contain; }
        .player .notice {
          position: absolute; inset: 0; display: grid; place-items: center; padding: 1rem; text-align: center; color: #eee; background: #0008;
        }
        .player .sound { position: absolute; left: 50%; bottom: 1.2rem; transform: translateX(-50%); font-size: 1.05rem; }
        [hidden] { display: none !important; }
        button {
          font: inherit; color: var(--text); background: var(--card); border: 1px solid var(--line); border-radius: 2rem;
          padding: .4rem 1.1rem; cursor: pointer;
        }
        button:hover { border-color: var(--accent); }
        button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
        .bar { display: flex; gap: .6rem; align-items: center; margin: .8rem 0; }
        .bar .state { flex: 1; }
        dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .6rem 1rem; margin: 0; }
        dl div { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .5rem .8rem; }
        dt { color: var(--dim); font-size: .85rem; }
        dd { margin: 0; font-variant-numeric: tabular-nums; }
        """#
}
#endif
