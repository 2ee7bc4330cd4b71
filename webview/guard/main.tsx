import { render } from 'preact';
import '../shared/base.css';
import './guard.css';
import { GuardApp } from './app.ts';
import { GuardPage } from './page.tsx';

render(<GuardPage app={new GuardApp()} />, document.body);
