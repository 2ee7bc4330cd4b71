import { render } from 'preact';
import '../shared/base.css';
import './compare.css';
import { CompareApp } from './app.ts';
import { ComparePage } from './page.tsx';

render(<ComparePage app={new CompareApp()} />, document.body);
