import { render } from 'preact';
import '../shared/base.css';
import './stream.css';
import { titleWhatIsCut } from '../shared/cutTitles.ts';
import { StreamApp } from './app.ts';
import { StreamPage } from './page.tsx';

titleWhatIsCut();
render(<StreamPage app={new StreamApp()} />, document.body);
