import { render } from 'preact';
import '../shared/base.css';
import './report.css';
import { titleWhatIsCut } from '../shared/cutTitles.ts';
import { ReportApp } from './app.ts';
import { ReportPage } from './page.tsx';

titleWhatIsCut();
render(<ReportPage app={new ReportApp()} />, document.body);
