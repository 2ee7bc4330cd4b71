import { render } from 'preact';
import '../shared/base.css';
import './replay.css';
import { titleWhatIsCut } from '../shared/cutTitles.ts';
import { ReplayApp } from './app.ts';
import { ReplayPage } from './page.tsx';

titleWhatIsCut();
render(<ReplayPage app={new ReplayApp()} />, document.body);
