import { render } from 'preact';
import '../shared/base.css';
import './stream.css';
import { StreamApp } from './app.ts';
import { StreamPage } from './page.tsx';

render(<StreamPage app={new StreamApp()} />, document.body);
