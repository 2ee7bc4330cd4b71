import { render } from 'preact';
import '../shared/base.css';
import './compare.css';
import { titleWhatIsCut } from '../shared/cutTitles.ts';
import { CompareApp } from './app.ts';
import { ComparePage } from './page.tsx';

titleWhatIsCut();
render(<ComparePage app={new CompareApp()} />, document.body);
