import { render } from 'preact';
import '../shared/base.css';
import './replay.css';
import { ReplayApp } from './app.ts';
import { ReplayPage } from './page.tsx';

render(<ReplayPage app={new ReplayApp()} />, document.body);
