using System.Globalization;
using System.Net;
using System.Text;

namespace OrleansInference.Benchmarks.Compare;

/// <summary>Requests per second as bars, a panel for each model and number of callers, each to its own scale.</summary>
internal static class Chart
{
    private const int Width = 900;
    private const int LabelWidth = 150;
    private const int BarWidth = 600;
    private const int LineHeight = 22;

    public static string Draw(IReadOnlyList<(Scenario Scenario, double PerSecond)> lines)
    {
        var body = new StringBuilder();
        var y = LineHeight;
        foreach (var panel in lines.GroupBy(line => $"{line.Scenario.Model.Name}, {line.Scenario.Callers} callers"))
        {
            Text(0, y, panel.Key, "font-weight='bold'");
            y += LineHeight;
            var highest = panel.Max(line => line.PerSecond);
            foreach (var (scenario, perSecond) in panel)
            {
                var length = BarWidth * perSecond / highest;
                var color = scenario.Server is Server.Ours or Server.OursApart ? "#2563eb" : "#9ca3af";
                Text(0, y, $"{scenario.Server} {scenario.Format}".ToLowerInvariant());
                body.AppendLine(string.Create(CultureInfo.InvariantCulture,
                    $"<rect x='{LabelWidth}' y='{y - 13}' width='{length:F1}' height='16' fill='{color}'/>"));
                Text(LabelWidth + (int)length + 6, y, $"{perSecond:N0}/s");
                y += LineHeight;
            }

            y += LineHeight / 2;
        }

        return $"<svg xmlns='http://www.w3.org/2000/svg' width='{Width}' height='{y}' font-family='sans-serif' font-size='13'>\n" +
            $"<rect width='100%' height='100%' fill='white'/>\n{body}</svg>\n";

        void Text(int x, int baseline, string text, string style = "") =>
            body.AppendLine(string.Create(CultureInfo.InvariantCulture, $"<text x='{x + 8}' y='{baseline}' {style}>{WebUtility.HtmlEncode(text)}</text>"));
    }
}
