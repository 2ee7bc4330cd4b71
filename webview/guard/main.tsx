import { render } from 'preact';
import '../shared/base.css';
import './guard.css';
import { titleWhatIsCut } from '../shared/cutTitles.ts';
import { GuardApp } from './app.ts';
import { GuardPage } from './page.tsx';

titleWhatIsCut();
render(<GuardPage app={new GuardApp()} />, document.body);
