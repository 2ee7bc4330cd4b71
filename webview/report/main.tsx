import { render } from 'preact';
import '../shared/base.css';
import './report.css';
import { ReportApp } from './app.ts';
import { ReportPage } from './page.tsx';

render(<ReportPage app={new ReportApp()} />, document.body);
