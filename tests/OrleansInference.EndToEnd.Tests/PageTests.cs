using System.Net;

using OrleansInference.EndToEnd.Tests.Programs;

namespace OrleansInference.EndToEnd.Tests;

public sealed class PageTests(SharedService service)
{
    [Theory]
    [InlineData("/")]
    [InlineData("/dashboard")]
    [InlineData("/scalar")]
    [InlineData("/openapi/v1.json")]
    public async Task Both_programs_show_their_pages(string path)
    {
        foreach (var program in new[] { service.Silo, service.FrontEnd })
            Assert.Equal(HttpStatusCode.OK, (await program.Api.GetAsync(path)).Status);
    }
}
