import { render } from 'preact';
import './style.css';

render(<main>hello</main>, document.body);
