using System.Globalization;

using OrleansInference.Engine.Repository.Triton;

namespace OrleansInference.Engine.Tests.Repository.Triton;

public sealed class TextFormatReaderTests
{
    [Theory]
    [InlineData("a: 1", "a=1")]
    [InlineData("a { b: 2 }", "a={b=2}")]
    [InlineData("a: { b: 2 }", "a={b=2}")]
    [InlineData("a < b: 2 >", "a={b=2}")]
    [InlineData("a [ { b: 1 }, < b: 2 > ]", "a=[{b=1},{b=2}]")]
    [InlineData("a: [ 1, -2, 0x1F ]", "a=[1,-2,0x1F]")]
    [InlineData("a: []", "a=[]")]
    [InlineData("a: 1 a: 2", "a=1 a=2")]
    [InlineData("a:1,b:2;c{},d{};", "a=1 b=2 c={} d={}")]
    [InlineData("# first\na: 1 # then\r\n# last", "a=1")]
    [InlineData("a: 1.5e-3f b: .5 c: - 7 d: -inf", "a=1.5e-3f b=.5 c=-7 d=-inf")]
    [InlineData("a: TYPE_FP32 b: true", "a=TYPE_FP32 b=true")]
    [InlineData("", "")]
    public void What_is_written_is_read(string text, string expected) => Assert.Equal(expected, Show(TextFormatReader.Read(text)));

    [Theory]
    [InlineData("'x\"y' \"z'\"", "x\"yz'")]
    [InlineData(@"'a\tb\n\\\'\x41\101\u00e9\U0001F600'", "a\tb\n\\'AAé😀")]
    [InlineData("'one'\n  # between\n 'two'", "onetwo")]
    [InlineData(@"'\303\251'", "é")]
    [InlineData("'# no comment'", "# no comment")]
    [InlineData("''", "")]
    public void Strings_have_either_quotes_and_escapes_and_are_one_where_they_stand_side_by_side(string text, string expected) =>
        Assert.Equal(expected, TextFormatReader.Read($"a: {text}")[0].Values[0].Text);

    [Theory]
    [InlineData("a: 1\n  b 2", "2:5", "expected ':' or '{', but found '2'")]
    [InlineData("a {\n b: 1", "2:6", "expected the name of a field or '}', but the file ends")]
    [InlineData("a: [1 2]", "1:7", "expected ',', but found '2'")]
    [InlineData("a: [1,]", "1:7", "expected a value, but found ']'")]
    [InlineData("a: }", "1:4", "expected a value, but found '}'")]
    [InlineData("a { b: 1 >", "1:10", "expected the name of a field or '}', but found '>'")]
    [InlineData("[ext.name]: 1", "1:1", "expected the name of a field, but found '['")]
    [InlineData("a: 1,,", "1:6", "expected the name of a field, but found ','")]
    [InlineData("\n\n a: 'x\n'", "3:5", "the string has no end on its line")]
    [InlineData("a: 'x", "1:4", "the string has no end on its line")]
    [InlineData("a: 'x\\", "1:6", "the string has no end on its line")]
    [InlineData(@"a: 'x\q'", "1:6", @"'\q' is no escape")]
    [InlineData(@"a: '\777'", "1:5", "the escape is no character")]
    [InlineData(@"a: '\u00e'", "1:5", "the escape has 3 of 4 digits")]
    [InlineData(@"a: '\ud800'", "1:5", "the escape is no character")]
    [InlineData(@"a: '\xff'", "1:4", "the string is not UTF-8")]
    public void A_mistake_has_its_place(string text, string place, string message)
    {
        var mistake = Assert.Throws<TextFormatException>(() => TextFormatReader.Read(text));

        Assert.Equal((place, message), (mistake.Position.ToString(), mistake.Message));
    }

    [Fact]
    public void Messages_may_lie_as_deep_as_the_limit_and_no_deeper()
    {
        static string Nested(int depth) => string.Concat(Enumerable.Repeat("a {", depth)) + string.Concat(Enumerable.Repeat("}", depth));

        Assert.Single(TextFormatReader.Read(Nested(TextFormatReader.MaxDepth)));
        var mistake = Assert.Throws<TextFormatException>(() => TextFormatReader.Read(Nested(TextFormatReader.MaxDepth + 1)));
        Assert.Contains(TextFormatReader.MaxDepth.ToString(CultureInfo.InvariantCulture), mistake.Message, StringComparison.Ordinal);
        Assert.Throws<TextFormatException>(() => TextFormatReader.Read(string.Concat(Enumerable.Repeat("a {", 300_000))));
    }

    [Fact]
    public void Any_text_is_read_or_refused()
    {
        const string Alphabet = "ab:{}<>[],;#'\"\\x0-.e1\n é";
        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 24)).Select(_ => Alphabet[random.Next(Alphabet.Length)]));
            try
            {
                TextFormatReader.Read(text);
            }
            catch (TextFormatException mistake)
            {
                Assert.NotEmpty(mistake.Message);
            }
        }
    }

    private static string Show(IReadOnlyList<TextField> fields) => string.Join(' ', fields.Select(field =>
    {
        var values = string.Join(',', field.Values.Select(Show));
        return $"{field.Name}={(field.IsList ? $"[{values}]" : values)}";
    }));

    private static string Show(TextValue value) => value.Kind == TextKind.Message ? $"{{{Show(value.Fields)}}}" : value.Text;
}
