using System.Text;

using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>Where one request ends and the next one begins.</summary>
public sealed class RequestSplitterTests
{
    private const string Escapes = """{"a":"}],[{\"\\","b":[[1,{"c":"\\"}],[]]}""";

    public static TheoryData<string, string[]> Bodies => new()
    {
        { "{\"a\":1}\n{\"b\":2}\n", ["{\"a\":1}", "{\"b\":2}"] },
        { "{\"a\":1}\n{\"b\":2}", ["{\"a\":1}", "{\"b\":2}"] },
        { "\n \r\n{\"a\":1} \r\n\t\n\n{\"b\":2}\r\n\n", ["{\"a\":1} \r", "{\"b\":2}\r"] },
        { "x]}\"\n[1,2]\n,\n{\"a\n", ["x]}\"", "[1,2]", ",", "{\"a"] },
        { Escapes + "\n" + Escapes, [Escapes, Escapes] },
        { $"[{Escapes},{Escapes}]", [Escapes, Escapes] },
        { $" \n[ {Escapes} ,\r\n\t{Escapes} ] \n", [Escapes, Escapes] },
        { "[1,-2.5e+3 , null,\"a,]\\\"\",[[],[1]],true]", ["1", "-2.5e+3", "null", "\"a,]\\\"\"", "[[],[1]]", "true"] },
        { "[{\"a\":1]]", ["{\"a\":1]"] },
        { "", [] },
        { " \r\n\n", [] },
        { "[]", [] },
        { " [ ] \n", [] },
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public void Documents_are_found_wherever_the_body_is_cut_and_no_byte_is_looked_at_twice(string body, string[] documents)
    {
        var bytes = Encoding.UTF8.GetBytes(body);

        Assert.Equal(documents, Splitting.Split(bytes));
        Assert.Equal(documents, Splitting.Split([.. bytes.Select(value => new[] { value }), []]));
        for (var cut = 0; cut <= bytes.Length; cut++) Assert.Equal(documents, Splitting.Split(bytes[..cut], bytes[cut..], []));
    }

    [Theory]
    [InlineData("[{},{}", 2, "ends before the array does", 6)]
    [InlineData("[{},", 1, "ends before the array does", 4)]
    [InlineData("[", 0, "ends before the array does", 1)]
    [InlineData("[{},{\"a\":\"]", 1, "ends before the array does", 4)]
    [InlineData("[{},12", 1, "ends before the array does", 4)]
    [InlineData("[{} {}]", 1, "neither a comma nor the array's end", 4)]
    [InlineData("[{}{}]", 1, "neither a comma nor the array's end", 3)]
    [InlineData("[{}\n,{}}]", 2, "neither a comma nor the array's end", 7)]
    [InlineData("[1 2]", 1, "neither a comma nor the array's end", 3)]
    [InlineData("[,{}]", 0, "no request where one should begin", 1)]
    [InlineData("[{},]", 1, "no request where one should begin", 4)]
    [InlineData("[{}, \0]", 1, "no request where one should begin", 5)]
    [InlineData("[{}] {}", 1, "something follows the array", 5)]
    [InlineData("[]]", 0, "something follows the array", 2)]
    public void A_broken_array_is_found_behind_its_whole_documents_wherever_it_is_cut(string body, int whole, string message, int place)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        for (var cut = 0; cut <= bytes.Length; cut++)
        {
            var found = Splitting.Split(bytes[..cut], bytes[cut..], []);

            Assert.Equal(whole, found.Count - 1);
            Assert.Contains(message, found[^1], StringComparison.Ordinal);
            Assert.EndsWith($"byte {place} of the body", found[^1], StringComparison.Ordinal);
        }
    }
}
